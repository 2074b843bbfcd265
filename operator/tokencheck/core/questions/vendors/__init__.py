"""Vendors, one small file each: where a token is shown, and what each answer means. Pure."""
