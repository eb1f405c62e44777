"""What a scene can be made of: shapes, colours, sizes, fills, places and backgrounds."""

SHAPES = (
    "circle",
    "square",
    "triangle",
    "star",
    "heart",
    "cross",
    "diamond",
    "pentagon",
    "hexagon",
    "ring",
    "crescent",
    "arrow",
)
"""Shape classes; a mask stores the position in this tuple plus one."""

COLOURS = {
    "red": (218, 28, 40),
    "orange": (250, 128, 8),
    "yellow": (244, 208, 24),
    "green": (36, 158, 62),
    "blue": (36, 88, 222),
    "purple": (128, 44, 176),
    "pink": (250, 128, 186),
    "black": (28, 28, 32),
}
"""Nominal sRGB value of every object colour."""

SIZES = {"small": 0.12, "medium": 0.17, "large": 0.225}
"""Nominal radius of every size, as a fraction of the image side."""

FILLS = ("solid", "outlined", "striped", "dotted")

PLACES = {
    "top left": (0, 0),
    "top centre": (0, 1),
    "top right": (0, 2),
    "middle left": (1, 0),
    "centre": (1, 1),
    "middle right": (1, 2),
    "bottom left": (2, 0),
    "bottom centre": (2, 1),
    "bottom right": (2, 2),
}
"""Row and column of every place in the three by three grid."""

BACKGROUNDS = (
    "white",
    "grey",
    "beige",
    "pale blue",
    "pale green",
    "night",
    "gradient",
    "spotlight",
    "checkered",
    "striped",
    "grid",
    "speckled",
)

VOID = 255
"""Mask value of the border around an object, which counts for no class (as in Pascal VOC)."""

MAX_OBJECTS = 3
