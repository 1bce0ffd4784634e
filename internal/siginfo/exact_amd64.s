//go:build linux

#include "textflag.h"

#define SYS_write		1
#define SYS_rt_sigaction	13
#define SYS_rt_sigreturn	15
#define SYS_getpid		39
#define SYS_kill		62

#define SIGCHLD			17
#define SIGTSTP			20
#define SIGPROF			27
#define FAULTS			((1<<4)|(1<<5)|(1<<7)|(1<<8)|(1<<11)|(1<<31))	// ILL TRAP BUS FPE SEGV SYS

#define SI_KERNEL		0x80
#define SI_QUEUE		-1
#define SI_TIMER		-2
#define SI_TKILL		-6

// Offsets in siginfo_t.
#define si_code			8
#define si_pid			16

#define recordSize		32

// The addresses of the routines, without Go's wrappers around them.
DATA	·handlerAddress(SB)/8, $·handler(SB)
GLOBL	·handlerAddress(SB), RODATA|NOPTR, $8
DATA	·restorerAddress(SB)/8, $pid1_siginfo_sigaction_restorer(SB)
GLOBL	·restorerAddress(SB), RODATA|NOPTR, $8

DATA	one<>(SB)/8, $1
GLOBL	one<>(SB), RODATA|NOPTR, $8

// A struct sigaction of zeros is SIG_DFL.
DATA	defaultAction<>(SB)/8, $0
GLOBL	defaultAction<>(SB), RODATA|NOPTR, $32

// rt_sigaction(2) wants it. Debuggers know such code by "sigaction" in its name.
TEXT pid1_siginfo_sigaction_restorer(SB), NOSPLIT|NOFRAME, $0
	MOVQ	$SYS_rt_sigreturn, AX
	SYSCALL
	INT	$3	// not reached

// void handler(int sig, siginfo_t *info, void *ucontext), C convention: DI, SI,
// DX. It runs on the thread's signal stack, or in a thread without one on its
// stack; it uses registers only, of those that a C function may change. A system
// call changes AX, CX and R11. All signals are blocked.
TEXT ·handler(SB), NOSPLIT|NOFRAME|TOPFRAME, $0
	MOVL	si_code(SI), CX
	CMPL	CX, $0
	JGT	kernel
	CMPL	CX, $SI_TKILL
	JEQ	thread
	CMPL	CX, $SI_TIMER
	JNE	record
	CMPL	DI, $SIGPROF
	JEQ	runtime
	JMP	record

thread:	// From a thread of ours to a thread of ours?
	MOVL	si_pid(SI), AX
	CMPL	AX, ·selfPID(SB)
	JEQ	runtime
	JMP	record

kernel:	// A fault, or the profiler's timer?
	MOVL	$FAULTS, AX
	BTL	DI, AX
	JCC	timer
	CMPL	DI, $32
	JLT	runtime
timer:
	CMPL	DI, $SIGPROF
	JNE	record
	CMPL	CX, $SI_KERNEL
	JNE	record

runtime:	// The runtime's: go on there as if there were nothing in between.
	MOVL	DI, AX
	LEAQ	·previous(SB), R8
	MOVQ	(R8)(AX*8), R8
	CMPQ	R8, $1		// SIG_DFL 0, SIG_IGN 1
	JLS	nobody
	JMP	R8

nobody:	// A fault that nobody handles would come back for ever.
	CMPL	CX, $0
	JLE	done
	CMPL	DI, $SIGPROF
	JEQ	done
	MOVL	DI, R8
	MOVL	$0, R9
	JMP	default

record:
	MOVL	DI, R8
	MOVQ	SI, R9
	MOVL	$SYS_getpid, AX
	SYSCALL
	CMPL	AX, ·selfPID(SB)
	JNE	child
	CMPL	R8, $SIGCHLD
	JEQ	death
	MOVL	si_code(R9), CX
	CMPL	CX, $0		// SI_USER
	JEQ	sender
	CMPL	CX, $SI_QUEUE
	JNE	write
sender:
	CMPL	AX, si_pid(R9)
	JEQ	done		// we sent it
write:
	MOVQ	·queueFD(SB), DI
	MOVQ	R9, SI
	MOVL	$recordSize, DX
	MOVL	$SYS_write, AX
	SYSCALL
	CMPQ	AX, $recordSize
	JEQ	done
	LOCK
	INCQ	·lostCount(SB)
done:
	RET

death:
	MOVQ	·deathsFD(SB), DI
	LEAQ	one<>(SB), SI
	MOVL	$8, DX
	MOVL	$SYS_write, AX
	SYSCALL
	RET

child:	// We are a child between fork and execve, on the parent's memory.
	CMPL	R8, $SIGTSTP
	JEQ	done
	MOVL	AX, R9		// our PID

default:	// Signal R8 gets its default action, and is sent to R9 unless that is 0.
	MOVL	R8, DI
	LEAQ	defaultAction<>(SB), SI
	MOVL	$0, DX
	MOVL	$8, R10		// size of sigset_t
	MOVL	$SYS_rt_sigaction, AX
	SYSCALL
	CMPL	R9, $0
	JEQ	done
	MOVL	R9, DI
	MOVL	R8, SI
	MOVL	$SYS_kill, AX
	SYSCALL			// taken when the handler returns
	RET
