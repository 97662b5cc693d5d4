"""What a hand does to a picture: press, move, release, wheel in; a new view, a preview or an act out. No Qt here."""
