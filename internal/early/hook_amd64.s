//go:build linux && !cgo

#include "textflag.h"

#define SYS_rt_sigaction	13
#define SYS_rt_sigprocmask	14
#define SYS_arch_prctl		158
#define SYS_prlimit64		302
#define SIG_BLOCK		0
#define SIG_IGN			1
#define ARCH_SET_FS		0x1002
#define RLIMIT_NOFILE		7

// Called by rt0_go in place of cgo's initialiser: C convention, kernel's stack,
// no g. BX and R12 are callee-saved; the system calls change AX, CX and R11.
TEXT pid1_early_hook(SB), NOSPLIT|NOFRAME, $0
	PUSHQ	BX
	PUSHQ	R12
	SUBQ	$64, SP		// a sigset_t, then a struct sigaction (32 bytes)

	// Block everything and keep what was blocked.
	MOVQ	$-1, AX
	MOVQ	AX, 0(SP)
	MOVQ	$SIG_BLOCK, DI
	MOVQ	SP, SI
	LEAQ	·mask(SB), DX
	MOVQ	$8, R10		// size of sigset_t
	MOVQ	$SYS_rt_sigprocmask, AX
	SYSCALL

	// Which signals are ignored?
	MOVQ	$1, BX		// signal
	MOVQ	$0, R12		// set
next:
	MOVQ	BX, DI
	MOVQ	$0, SI
	MOVQ	SP, DX
	MOVQ	$8, R10
	MOVQ	$SYS_rt_sigaction, AX
	SYSCALL
	TESTQ	AX, AX
	JNE	skip
	CMPQ	0(SP), $SIG_IGN
	JNE	skip
	LEAQ	-1(BX), CX
	MOVQ	$1, AX
	SHLQ	CX, AX
	ORQ	AX, R12
skip:
	INCQ	BX
	CMPQ	BX, $64
	JLE	next
	MOVQ	R12, ·ignored(SB)

	// The limit of open files, which package os raises.
	MOVQ	$0, DI
	MOVQ	$RLIMIT_NOFILE, SI
	MOVQ	$0, DX
	LEAQ	·noFile(SB), R10
	MOVQ	$SYS_prlimit64, AX
	SYSCALL

	MOVQ	$1, AX
	MOVQ	AX, ·ran(SB)

	// What runtime·settls would have done: g is at -8(FS).
	LEAQ	·tls+32(SB), SI
	MOVQ	$ARCH_SET_FS, DI
	MOVQ	$SYS_arch_prctl, AX
	SYSCALL
	TESTQ	AX, AX
	JEQ	ok
	INT	$3		// as settls does: there is no way to go on
ok:
	ADDQ	$64, SP
	POPQ	R12
	POPQ	BX
	RET
