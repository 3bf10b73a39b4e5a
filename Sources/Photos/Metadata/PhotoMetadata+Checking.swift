extension PhotoMetadata {
    /// Leaves out what is damaged, and settles what the parts say of the same thing: the orientation and the
    /// resolution.
    /// - Parameter isUpright: whether the decoder has turned the pixels already.
    mutating func check(_ warnings: inout [String], isUpright: Bool) {
        let exif = exif.flatMap(Exif.init)
        if self.exif != nil, exif == nil {
            warnings.append("the EXIF data are damaged and were left out")
            self.exif = nil
        }
        // Some writers keep these inside EXIF, where nobody edits them.
        if xmp == nil { xmp = exif?.packet(.xmp) }
        if iptc == nil { iptc = exif?.packet(.iptc) ?? exif?.packet(.resources).flatMap(IPTC.records(inResources:)) }
        let packet = xmp.flatMap(XMP.init)
        if xmp != nil, packet == nil {
            warnings.append("the XMP data are damaged and were left out")
            xmp = nil
        }
        if !isUpright { orientation = exif?.orientation ?? packet?.orientation ?? 1 }
        if resolution == nil || resolution?.unit == .ratio { resolution = exif?.resolution ?? resolution }
        if orientation >= 5 { resolution = resolution?.turned }
    }
}
