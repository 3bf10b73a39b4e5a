/// FNV-1a (Fowler, Noll and Vo): a number for bytes, where nobody has a reason to look for two with the same.
package enum FNV1a {
    /// 64 bits.
    package static func hash(_ bytes: some Sequence<UInt8>) -> UInt64 {
        bytes.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
    }
}
