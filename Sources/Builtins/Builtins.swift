// Builtins
