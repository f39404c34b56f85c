starved
