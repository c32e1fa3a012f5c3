"""The field's claims, browsed and measured."""
