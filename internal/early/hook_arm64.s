//go:build linux && !cgo

#include "textflag.h"

#define SYS_rt_sigaction	134
#define SYS_rt_sigprocmask	135
#define SYS_prlimit64		261
#define SIG_BLOCK		0
#define SIG_IGN			1
#define RLIMIT_NOFILE		7

// Called by rt0_go in place of cgo's initialiser: C convention, kernel's stack.
// It must keep g (R28), R29 and R19 … R27; a system call changes R0 only. There
// is no TLS to set up: the runtime uses none while iscgo is false.
TEXT pid1_early_hook(SB), NOSPLIT|NOFRAME, $0
	SUB	$64, RSP	// LR's slot, a sigset_t, a struct sigaction (32 bytes)
	MOVD	R27, 0(RSP)	// the assembler uses it for addresses

	// Block everything and keep what was blocked.
	MOVD	$-1, R9
	MOVD	R9, 16(RSP)
	MOVD	$SIG_BLOCK, R0
	ADD	$16, RSP, R1
	MOVD	$·mask(SB), R2
	MOVD	$8, R3		// size of sigset_t
	MOVD	$SYS_rt_sigprocmask, R8
	SVC

	// Which signals are ignored?
	MOVD	$1, R10		// signal
	MOVD	$0, R11		// set
next:
	MOVD	R10, R0
	MOVD	$0, R1
	ADD	$16, RSP, R2
	MOVD	$8, R3
	MOVD	$SYS_rt_sigaction, R8
	SVC
	CBNZ	R0, skip
	MOVD	16(RSP), R9
	CMP	$SIG_IGN, R9
	BNE	skip
	SUB	$1, R10, R12
	MOVD	$1, R13
	LSL	R12, R13, R13
	ORR	R13, R11, R11
skip:
	ADD	$1, R10, R10
	CMP	$64, R10
	BLE	next
	MOVD	R11, ·ignored(SB)

	// The limit of open files, which package os raises.
	MOVD	$0, R0
	MOVD	$RLIMIT_NOFILE, R1
	MOVD	$0, R2
	MOVD	$·noFile(SB), R3
	MOVD	$SYS_prlimit64, R8
	SVC

	MOVD	$1, R9
	MOVD	R9, ·ran(SB)

	MOVD	0(RSP), R27
	ADD	$64, RSP
	RET
