// OpenSSL's libcrypto: message digests.
#include <openssl/evp.h>
