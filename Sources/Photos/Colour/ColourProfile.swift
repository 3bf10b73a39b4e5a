import CImageCodecs
import CLittleCMS

/// What decoding does about colour.
package enum ColourConversion: Sendable {
    /// Embedded profiles and gamma are converted to sRGB.
    case sRGB
    /// The samples stay as they are in the file.
    case none
}

/// How a file describes its colours.
enum ColourDescription {
    case profile([UInt8])
    case chromaticities(Chromaticities)

    fileprivate func open(in context: cmsContext) -> cmsHPROFILE? {
        switch self {
        case .profile(let bytes): cmsOpenProfileFromMemTHR(context, bytes, cmsUInt32Number(bytes.count))
        case .chromaticities(let chromaticities): chromaticities.isPossible ? chromaticities.profile(in: context) : nil
        }
    }
}

/// What a file says of its colours, as a conversion to sRGB by Little CMS.
final class ColourProfile {
    /// The profile's own name, or that of the colours described.
    let name: String
    private let context: cmsContext
    private let transform: cmsHTRANSFORM
    /// Grey profiles are tabulated: every grey value's sRGB.
    private let greyTable: [UInt8]?
    /// Whether samples are, to within one level, sRGB already.
    let isIdentity: Bool

    private enum Space {
        static let rgb: cmsUInt32Number = 0x5247_4220  // 'RGB '
        static let grey: cmsUInt32Number = 0x4752_4159  // 'GRAY'
        static let cmyk: cmsUInt32Number = 0x434D_594B  // 'CMYK'
    }

    /// Little CMS's description of 8-bit samples: colour space, channels, bytes, and whether 255 means no ink.
    private static func format(space: Int32, channels: UInt32, isInverted: Bool = false) -> cmsUInt32Number {
        UInt32(space) << 16 | channels << 3 | 1 | (isInverted ? 1 << 13 : 0)
    }

    /// nil when the description is damaged or does not describe an image like `info`'s.
    init?(_ description: ColourDescription, for info: cic_info) {
        guard let context = cmsCreateContext(nil, nil) else { return nil }
        // Without a handler of its own a context reports to nobody.
        guard let profile = description.open(in: context) else {
            cmsDeleteContext(context)
            return nil
        }
        let space = cmsGetColorSpace(profile).rawValue
        let source: cmsUInt32Number?
        switch (space, info.layout) {
        case (Space.rgb, CIC_RGB), (Space.rgb, CIC_RGBA): source = Self.format(space: PT_RGB, channels: 3)
        case (Space.grey, CIC_RGB) where info.is_grey != 0, (Space.grey, CIC_RGBA) where info.is_grey != 0:
            source = Self.format(space: PT_GRAY, channels: 1)
        case (Space.cmyk, CIC_CMYK):
            source = Self.format(space: PT_CMYK, channels: 4, isInverted: true)
        default: source = nil
        }
        let target = cmsCreate_sRGBProfileTHR(context)
        // What "perceptual" does between profiles of versions 2 and 4 differs between releases of Little CMS.
        let transform = source.flatMap {
            cmsCreateTransformTHR(
                context, profile, $0, target, Self.format(space: PT_RGB, channels: 3),
                cmsUInt32Number(INTENT_RELATIVE_COLORIMETRIC), cmsUInt32Number(cmsFLAGS_BLACKPOINTCOMPENSATION))
        }
        var ownName = [CChar](repeating: 0, count: 256)
        cmsGetProfileInfoASCII(profile, cmsInfoDescription, "en", "US", &ownName, 255)
        cmsCloseProfile(target)
        cmsCloseProfile(profile)
        guard let transform else {
            cmsDeleteContext(context)
            return nil
        }
        self.context = context
        self.transform = transform
        if case .chromaticities(let chromaticities) = description {
            name = chromaticities.name
        } else {
            name = String(decoding: ownName.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }
        greyTable = space == Space.grey ? Self.convert(Array(0...255), count: 256, by: transform) : nil
        isIdentity = space == Space.rgb && Self.isIdentity(transform)
    }

    deinit {
        cmsDeleteTransform(transform)
        cmsDeleteContext(context)
    }

    /// `count` pixels: RGB in place, or CMYK to RGB from `source` to `target`.
    func convert(_ source: UnsafePointer<UInt8>, to target: UnsafeMutablePointer<UInt8>, count: Int) {
        guard let greyTable else {
            cmsDoTransform(transform, source, target, cmsUInt32Number(count))
            return
        }
        greyTable.withUnsafeBufferPointer { table in
            for pixel in 0..<count {
                let entry = 3 * Int(source[3 * pixel])
                for channel in 0..<3 { target[3 * pixel + channel] = table[entry + channel] }
            }
        }
    }

    private static func convert(_ samples: [UInt8], count: Int, by transform: cmsHTRANSFORM) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: count * 3) { target, initialized in
            cmsDoTransform(transform, samples, target.baseAddress, cmsUInt32Number(count))
            initialized = count * 3
        }
    }

    private static func isIdentity(_ transform: cmsHTRANSFORM) -> Bool {
        let levels: [UInt8] = [0, 32, 64, 96, 128, 160, 192, 224, 255]
        let samples = levels.flatMap { r in levels.flatMap { g in levels.flatMap { b in [r, g, b] } } }
        let converted = convert(samples, count: samples.count / 3, by: transform)
        return zip(samples, converted).allSatisfy { abs(Int($0) - Int($1)) <= 1 }
    }

    /// An sRGB profile to embed, the same bytes every time.
    static let sRGB: [UInt8] = {
        guard let profile = cmsCreate_sRGBProfile() else { return [] }
        defer { cmsCloseProfile(profile) }
        var count: cmsUInt32Number = 0
        guard cmsSaveProfileToMem(profile, nil, &count) != 0 else { return [] }
        var bytes = [UInt8](repeating: 0, count: Int(count))
        guard cmsSaveProfileToMem(profile, &bytes, &count) != 0 else { return [] }
        // ICC.1, 7.2: bytes 24 to 35 are the date of creation, which would make equal photos differ.
        let date: [UInt8] = [0x07, 0xE0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0]
        bytes.replaceSubrange(24..<36, with: date)
        return bytes
    }()
}
