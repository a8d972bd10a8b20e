HOME = "/root/giro"
