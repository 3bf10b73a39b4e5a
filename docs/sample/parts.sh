#!/bin/bash
# What each part of the recipe does: trainings from chance, equally long, one with everything and one without each part
# (but those against drops, which come only after thousands of iterations),
# and a piece of the sample landscape by each (docs/training.md). Needs Pillow; goes on where it was ended.
#   parts.sh PROGRAM PHOTOS PAINTINGS RUNS [ITERATIONS]
set -euo pipefail
program=$1 photos=$2 paintings=$3 runs=$4 iterations=${5:-400}
here=$(cd "$(dirname "$0")" && pwd)
everything=(--recipe painterly --stages none --sizes 480,640,800 --photo-sizes 256,384,512,640 --grain 0.05
    --checkpoint-every 200 --keep-checkpoints 1)

part() { # NAME OPTIONS: what takes the place of the recipe's
    local run=$runs/$1 picture=$runs/$1.png
    if [ ! -e "$run/model.safetensors" ]; then
        if [ -e "$run/training.yaml" ]; then
            "$program" train --run "$run" --resume
        else
            "$program" train --photos "$photos" --paintings "$paintings" --run "$run" --iterations "$iterations" \
                "${everything[@]}" "${@:2}"
        fi
    fi
    "$program" translate "$here/landscape.jpg" -o "$picture" --style "$run/model.safetensors" --render fit:960
    python3 - "$picture" "$here/parts/$1.jpg" << 'PYTHON'
import sys
from PIL import Image
piece = Image.open(sys.argv[1]).convert("RGB").crop((260, 120, 860, 520))
piece.resize((450, 300), Image.LANCZOS).save(sys.argv[2], quality=90)
PYTHON
}

mkdir -p "$runs" "$here/parts"
part everything
part no-style --style-weight 0
part no-strokes --sizes none --photo-sizes none --load-size 144
part no-grain --grain 0
part no-colours --colour-weight 0 --skip none
part no-feature-discriminator --feature-adversarial-weight 0
part no-content --content-weight 0
part nearest --upsampling resize --lattice-weight 0
part paper --style-weight 0 --sizes none --photo-sizes none --load-size 144 --grain 0 --colour-weight 0 --skip none \
    --feature-adversarial-weight 0 --upsampling transposed --downsampling-padding zero --lattice-weight 0 \
    --spot-weight 0 --spike-weight 0 --content-weight 0 --diff-augment none --ema 0 --identity-every 1 --lambda-cycle 10 --semantic-weight 1
