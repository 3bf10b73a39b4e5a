// Only its pkg-config file is used: CImageCodecs links libwebp where it is there, and its sources look for the header.
