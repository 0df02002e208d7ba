"""Many chips as one: a tree of them, along whose links events, time and host access go."""
