select mark from camouflage
