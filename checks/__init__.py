"""Commands that check a deployment beyond its file, before something is done with it.

destroy.py     whether a destroy would be refused half-way; `make destroy` runs it first
"""
