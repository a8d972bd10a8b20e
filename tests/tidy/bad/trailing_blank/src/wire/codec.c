int value; 
