import CCrypto

/// SHA-256 (FIPS 180-4), computed by libcrypto: bytes go in with `update`, the digest comes out of `finalize`.
package struct SHA256: ~Copyable {
    private let context: OpaquePointer

    /// Traps where libcrypto has no memory left for its few hundred bytes, or no SHA-256.
    package init() {
        guard let context = EVP_MD_CTX_new(), EVP_DigestInit_ex(context, EVP_sha256(), nil) == 1 else {
            fatalError("libcrypto cannot make a SHA-256")
        }
        self.context = context
    }

    deinit { EVP_MD_CTX_free(context) }

    package mutating func update(_ bytes: UnsafeRawBufferPointer) {
        precondition(EVP_DigestUpdate(context, bytes.baseAddress, bytes.count) == 1)
    }

    package consuming func finalize() -> SHA256Digest {
        let bytes = [UInt8](unsafeUninitializedCapacity: SHA256Digest.byteCount) { digest, count in
            precondition(EVP_DigestFinal_ex(context, digest.baseAddress, nil) == 1)
            count = SHA256Digest.byteCount
        }
        return SHA256Digest(unchecked: bytes)
    }

    /// The digest of bytes that are in memory.
    package static func hash(_ bytes: [UInt8]) -> SHA256Digest {
        var hash = SHA256()
        bytes.withUnsafeBytes { hash.update($0) }
        return hash.finalize()
    }
}
