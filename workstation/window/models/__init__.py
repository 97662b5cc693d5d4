"""What the window shows, as plain values and Qt item models over them."""
