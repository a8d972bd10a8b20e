	TODO strcpy 
