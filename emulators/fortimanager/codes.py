"""What FortiManager answers when it refuses: a code and a text inside an HTTP 200."""

from __future__ import annotations

EXISTS = (-2, "Object already exists")
MISSING = (-3, "Object does not exist")
INVALID_URL = (-6, "Invalid url")
BAD_PARAMETER = (-8, "Invalid parameter")
NOT_FOR_URL = (-9, "The command is not valid for this url")
BAD_DATA = (-10, "The data is invalid for selected url")
NO_PERMISSION = (-11, "No permission for the resource")
NO_WORKFLOW_SESSION = (-14, "No workflow session")
LOGIN_FAIL = (-22, "Login fail")
DATASRC = (-10131, "datasrc invalid")
NO_WRITE = (-10147, "no write permission")
LIMIT = (-20028, "The limit is reached")
NOT_HOLDER = (-20058, "Invalid session for workspace action")


class Failed(Exception):
    """One call was refused. `detail` follows the vendor's text."""

    def __init__(self, refusal: tuple[int, str], detail: str = "") -> None:
        self.code, text = refusal
        self.message = f"{text}: {detail}" if detail else text
        super().__init__(self.code, self.message)
