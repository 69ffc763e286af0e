"""The field's algorithms behind one interface, each as its library has it."""
