"""How Headrace comes onto a machine: which builds of its engines suit it, the images, and what they are pinned to.

The modules run before anything is installed: they import nothing but Python's own library.
"""
