"""Named looks as data: one TOML each, checked at load."""
