// Only its pkg-config file is used: CImageCodecs links libtiff where it is there, and its sources look for the header.
