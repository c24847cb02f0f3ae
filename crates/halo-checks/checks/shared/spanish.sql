'\b(el|los|las|que|por|para|una|mi|con|pero|cómo|está|puedo|quiero|necesito|gracias|pedido)\b'
