import cyclegan_style

CycleGANStyle.main()
