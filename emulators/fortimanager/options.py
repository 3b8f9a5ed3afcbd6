"""Options of the FortiManager emulator."""

from __future__ import annotations

from dataclasses import dataclass

from emulators.kit import Options, option

WORKSPACE_MODES = ("disabled", "normal", "workflow", "per-adom")


@dataclass(frozen=True)
class FortiManagerOptions(Options):
    """Stateful emulator of FortiManager's JSON-RPC API."""

    workspace_mode: str = option("normal", "how the ADOM databases are shared", choices=WORKSPACE_MODES)
    rpc_permit: str = option("read-write", "what the API administrators may do", choices=("read-write", "read", "none"))
    allowed_adoms: str = option("*", "comma list of the ADOMs that the API administrators may use; * is all")
    user: str = option("warroom", "the administrator that signs in with a password")
    api_user: str = option("warroom-key", "the administrator that has the API key")
    max_sessions: int = option(32, "sessions that one administrator may have (login-max)", parse=int)
    idle_seconds: float = option(900.0, "seconds after which an unused session ends (idle_timeout_api)", parse=float)
    task_seconds: float = option(0.0, "seconds that an installation takes, on the emulator's clock", parse=float)
    locked_code: int = option(-20055, "code for a lock that another session holds: -20055 or -20036", parse=int)
    used_code: int = option(-10015, "code for an object in use: -10015 or -20013", parse=int)
    max_addresses: int = option(0, "most address objects of one ADOM; 0 is no limit", parse=int)
    max_members: int = option(0, "most members of one address group; 0 is no limit", parse=int)

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("idle_seconds", "max_sessions"):
            self.check(name, getattr(self, name) > 0, "it must be more than 0")
        for name in ("task_seconds", "max_addresses", "max_members"):
            self.check(name, getattr(self, name) >= 0, "it must not be negative")
        self.check("locked_code", self.locked_code in (-20055, -20036), "it must be -20055 or -20036")
        self.check("used_code", self.used_code in (-10015, -20013), "it must be -10015 or -20013")
        for name in ("user", "api_user"):
            self.check(name, bool(getattr(self, name)), "it must not be empty")

    def may_use(self, adom: str) -> bool:
        """Whether the administrators have rights in this ADOM."""
        return self.allowed_adoms == "*" or adom in self.allowed_adoms.split(",")
