select worlds from camouflage
