'\b(le|les|des|une|est|je|mon|ma|pour|avec|pas|vous|merci|dans|votre|bonjour|ne)\b'
