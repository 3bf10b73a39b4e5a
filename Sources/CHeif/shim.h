// Only its pkg-config file is used: CImageCodecs links libheif where it is there, and its sources look for the header.
