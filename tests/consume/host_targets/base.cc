int HostBase() { return 0; }
