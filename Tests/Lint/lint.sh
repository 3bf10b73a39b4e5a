#!/bin/bash
# Style: Swift and C are laid out as .swift-format and .clang-format have it, and Swift keeps the rules there: make lint.
set -euo pipefail
cd "$(dirname "$0")/../.."
status=0

findings=$(git ls-files -z --cached --others --exclude-standard '*.swift' | xargs -0 swift format lint --configuration .swift-format 2>&1 || true)
broken=$(grep -E ': (warning|error): ' <<< "$findings" | sort -u || true)
if [ "$broken" ]; then
  echo "$broken"
  status=1
fi
echo "Swift: $(grep -c . <<< "$broken" || true) broken rules"

# swift-format leaves comments as long as they are.
long=$(git ls-files -z --cached --others --exclude-standard '*.swift' 'Sources/*.c' 'Sources/*.h' | LC_ALL=C.UTF-8 xargs -0 grep -nE '^.{121,}' || true)
if [ "$long" ]; then
  cut -c1-160 <<< "$long"
  status=1
fi
echo "Lines above 120 columns: $(grep -c . <<< "$long" || true)"

other=0
while read -r file; do
  clang-format --dry-run --Werror "$file" || other=$((other + 1))
done < <(git ls-files --cached --others --exclude-standard 'Sources/*.c' 'Sources/*.h')
[ $other = 0 ] || status=1
echo "C: $other files laid out otherwise"
exit $status
