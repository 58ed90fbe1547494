//! Each setting wins over the layer below it, and a wrong one is refused by name.
