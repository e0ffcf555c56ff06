"""What the end-to-end tests share: programs, sockets, upstreams and configurations."""
