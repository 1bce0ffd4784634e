//go:build linux

#include "textflag.h"

#define SYS_clone	56

// func rawVfork(flags uintptr) (pid, errno uintptr)
//
// The child goes on in the caller's frame and overwrites what lies below it, our
// return address too: the parent keeps that in a register, which a system call does
// not change.
TEXT ·rawVfork(SB), NOSPLIT|NOFRAME, $0-24
	MOVQ	flags+0(FP), DI
	XORL	SI, SI
	XORL	DX, DX
	XORL	R10, R10
	XORL	R8, R8
	XORL	R9, R9
	MOVQ	$SYS_clone, AX
	POPQ	R12
	SYSCALL
	PUSHQ	R12
	CMPQ	AX, $0xfffffffffffff001
	JLS	ok
	MOVQ	$-1, pid+8(FP)
	NEGQ	AX
	MOVQ	AX, errno+16(FP)
	RET
ok:
	MOVQ	AX, pid+8(FP)
	MOVQ	$0, errno+16(FP)
	RET
