"""A network's layers: what each receives, gives, costs and sees."""
