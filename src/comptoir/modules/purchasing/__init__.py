"""Purchase orders to suppliers who ship from their own stock: asked, answered, shipped, and what they cost."""
