"""The PAN-OS driver against the emulator, over real HTTP."""
