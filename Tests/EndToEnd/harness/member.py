"""A sidecar that gets its certificate from our control plane."""

from .programs import Sidecar, free_port


class Member(Sidecar):
    def __init__(self, folder, control, service, application=None, again=None, **more):
        """With an application's port it stands in front of it; `again` starts one once more."""
        self.folder, self.service = folder, service
        roots, token = folder / f"{service}.roots", folder / f"{service}.token"
        if again is None:
            roots.write_bytes(control.roots)
            token.write_text(control.token(service))
            self.port, self.inbound = free_port(), free_port()
        else:
            self.port, self.inbound = again.port, again.inbound
        admin = free_port()
        flags = ["--control", f"127.0.0.1:{control.secure}", "--service", service,
                 "--outbound", f"127.0.0.1:{self.port}", "--admin", f"127.0.0.1:{admin}",
                 "--control-roots", roots, "--identity-token-file", token,
                 "--state-dir", folder / f"{service}.state"]
        if application:
            flags += ["--inbound", f"127.0.0.1:{self.inbound}",
                      "--application", f"127.0.0.1:{application}"]
        super().__init__(folder, admin=admin, flags=flags, name=service, **more)

    def renewals(self, result="success"):
        return self.metric("mesh_identity_renewals_total", result=result)

    @property
    def expiry(self):
        return self.metric("mesh_identity_expiry_seconds")
