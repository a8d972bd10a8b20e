URL = "https://localhost/homework/rooted"
