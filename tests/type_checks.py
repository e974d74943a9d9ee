"""How annotations are checked while tests run: as type checkers do, so that an int serves as a float."""

from beartype import BeartypeConf, beartype

checked = beartype(conf=BeartypeConf(is_pep484_tower=True))
