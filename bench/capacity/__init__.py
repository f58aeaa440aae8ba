"""How much space people, sign-ins, notices and their traces take."""
