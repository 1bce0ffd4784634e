//go:build linux

#include "textflag.h"

#define SYS_clone	220

// func rawVfork(flags uintptr) (pid, errno uintptr)
//
// The child goes on in the caller's frame and overwrites what lies below it. Our
// return address is in a register, which a system call does not change.
TEXT ·rawVfork(SB), NOSPLIT|NOFRAME, $0-24
	MOVD	flags+0(FP), R0
	MOVD	$0, R1
	MOVD	$0, R2
	MOVD	$0, R3
	MOVD	$0, R4
	MOVD	$0, R5
	MOVD	$SYS_clone, R8
	SVC
	CMN	$4095, R0
	BCC	ok
	MOVD	$-1, R4
	MOVD	R4, pid+8(FP)
	NEG	R0, R0
	MOVD	R0, errno+16(FP)
	RET
ok:
	MOVD	R0, pid+8(FP)
	MOVD	ZR, errno+16(FP)
	RET
