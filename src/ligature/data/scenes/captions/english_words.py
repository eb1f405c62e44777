"""English words for everything in a scene; the first word of every list is the usual one."""

SHAPES = {
    "circle": ("circle", "disc", "disk", "round shape"),
    "square": ("square", "box", "block"),
    "triangle": ("triangle", "three-sided shape", "three-cornered figure"),
    "star": ("star", "five-pointed star"),
    "heart": ("heart", "heart shape", "love heart"),
    "cross": ("cross", "plus sign", "plus"),
    "diamond": ("diamond", "rhombus", "lozenge"),
    "pentagon": ("pentagon", "five-sided shape", "five-sided polygon"),
    "hexagon": ("hexagon", "six-sided shape", "six-sided polygon"),
    "ring": ("ring", "hoop", "doughnut"),
    "crescent": ("crescent", "crescent moon", "sickle moon", "moon"),
    "arrow": ("arrow", "pointer", "arrow sign"),
}

COLOURS = {
    "red": ("red", "crimson", "scarlet", "ruby"),
    "orange": ("orange", "tangerine", "pumpkin-coloured"),
    "yellow": ("yellow", "golden", "lemon-yellow", "canary-yellow"),
    "green": ("green", "emerald", "grass-green"),
    "blue": ("blue", "cobalt", "sapphire", "royal-blue"),
    "purple": ("purple", "violet", "plum-coloured"),
    "pink": ("pink", "rosy", "rose-coloured"),
    "black": ("black", "jet-black", "ebony", "inky"),
}

SIZES = {
    "small": ("small", "little", "tiny", "miniature"),
    "medium": ("medium-sized", "mid-sized", "medium", "moderately sized"),
    "large": ("large", "big", "huge", "oversized"),
}

FILLS = {
    "solid": ("solid", "filled", "plain", "evenly filled"),
    "outlined": ("outlined", "pale-centred", "contoured"),
    "striped": ("striped", "stripy", "banded"),
    "dotted": ("dotted", "spotted", "polka-dot"),
}

FILL_TAILS = {
    "solid": ("in one flat tone", "filled right to the edge"),
    "outlined": ("with a pale inside", "drawn as an outline"),
    "striped": ("with stripes", "with diagonal bands"),
    "dotted": ("with dots", "covered in little spots"),
}

PLACES = {
    "top left": ("in the top left corner", "at the upper left", "in the upper left-hand corner"),
    "top centre": ("at the top", "at the top in the middle", "along the upper edge", "at the top centre"),
    "top right": ("in the top right corner", "at the upper right", "in the upper right-hand corner"),
    "middle left": ("on the left", "at the left edge", "on the left-hand side", "halfway down on the left"),
    "centre": ("in the middle", "in the centre", "at the very centre", "right in the middle"),
    "middle right": ("on the right", "at the right edge", "on the right-hand side", "halfway down on the right"),
    "bottom left": ("in the bottom left corner", "at the lower left", "in the lower left-hand corner"),
    "bottom centre": ("at the bottom", "at the bottom in the middle", "along the lower edge"),
    "bottom right": ("in the bottom right corner", "at the lower right", "in the lower right-hand corner"),
}

BARE_PLACES = {
    "top left": "in the top left corner",
    "top centre": "in the middle of the upper edge",
    "top right": "in the top right corner",
    "middle left": "in the middle of the left edge",
    "centre": "at the very centre",
    "middle right": "in the middle of the right edge",
    "bottom left": "in the bottom left corner",
    "bottom centre": "in the middle of the lower edge",
    "bottom right": "in the bottom right corner",
}
"""Wordings that can mean no other place, for saying that a place is bare."""

BACKGROUNDS = {
    "white": ("on a white background", "on plain white", "against a blank white backdrop"),
    "grey": ("on a grey background", "on plain grey", "against a dull grey backdrop"),
    "beige": ("on a beige background", "on a sand-tinted backdrop", "against plain cream"),
    "pale blue": ("on a pale blue background", "on a light blue backdrop", "against sky blue"),
    "pale green": ("on a pale green background", "on a light green backdrop", "against mint green"),
    "night": ("on a dark background", "on a midnight-blue backdrop", "against a dark night blue"),
    "gradient": ("on a gradient background", "on a backdrop that darkens downwards", "against a soft gradient"),
    "spotlight": ("in a spotlight", "on a backdrop lit from the middle", "against a bright glow with dim corners"),
    "checkered": ("on a checkered background", "on a checkerboard", "against a chequered backdrop"),
    "striped": ("on a background of horizontal stripes", "on a striped backdrop", "against pale bands"),
    "grid": ("on a grid background", "on graph paper", "against a grid of thin lines"),
    "speckled": ("on a speckled background", "on a grainy backdrop", "against scattered specks"),
}

NUMBERS = ("no", "one", "two", "three")
