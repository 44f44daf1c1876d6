"""Recipes: what each verb needs, and how flags, keyword arguments and files become one."""
