'\b(ich|und|der|das|nicht|ist|ein|eine|meine|mein|bitte|mit|auf|für|wie|kann|habe|wurde|Sie)\b'
