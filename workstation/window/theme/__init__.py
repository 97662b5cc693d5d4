"""One palette, one type scale, one style sheet: colours stand in `tokens` and nowhere else."""
