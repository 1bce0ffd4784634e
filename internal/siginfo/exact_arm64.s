//go:build linux

#include "textflag.h"

#define SYS_write		64
#define SYS_kill		129
#define SYS_rt_sigaction	134
#define SYS_getpid		172

#define SIGCHLD			17
#define SIGTSTP			20
#define SIGPROF			27
#define FAULTS			((1<<4)|(1<<5)|(1<<7)|(1<<8)|(1<<11)|(1<<31))	// ILL TRAP BUS FPE SEGV SYS

#define SI_KERNEL		0x80

// Offsets in siginfo_t.
#define si_code			8
#define si_pid			16

#define recordSize		32

// The address of the routine, without Go's wrapper around it. The kernel has a
// restorer of its own.
DATA	·handlerAddress(SB)/8, $·handler(SB)
GLOBL	·handlerAddress(SB), RODATA|NOPTR, $8

DATA	one<>(SB)/8, $1
GLOBL	one<>(SB), RODATA|NOPTR, $8

// A struct sigaction of zeros is SIG_DFL.
DATA	defaultAction<>(SB)/8, $0
GLOBL	defaultAction<>(SB), RODATA|NOPTR, $32

// void handler(int sig, siginfo_t *info, void *ucontext), C convention: R0, R1,
// R2. It runs on the thread's signal stack, or in a thread without one on its
// stack; it uses registers only, of those that a C function may change (and R27,
// which the assembler needs for addresses, and which rt_sigreturn restores). A
// system call changes R0. All signals are blocked.
TEXT ·handler(SB), NOSPLIT|NOFRAME|TOPFRAME, $0
	MOVW	si_code(R1), R3
	CMPW	$0, R3
	BGT	kernel
	CMNW	$6, R3		// SI_TKILL
	BEQ	thread
	CMNW	$2, R3		// SI_TIMER
	BNE	record
	CMPW	$SIGPROF, R0
	BEQ	runtime
	B	record

thread:	// From a thread of ours to a thread of ours?
	MOVW	si_pid(R1), R4
	MOVW	·selfPID(SB), R5
	CMPW	R5, R4
	BEQ	runtime
	B	record

kernel:	// A fault, or the profiler's timer?
	CMPW	$32, R0
	BGE	record
	MOVD	$FAULTS, R4
	LSR	R0, R4, R4
	TBNZ	$0, R4, runtime
	CMPW	$SIGPROF, R0
	BNE	record
	CMPW	$SI_KERNEL, R3
	BNE	record

runtime:	// The runtime's: go on there as if there were nothing in between.
	MOVD	$·previous(SB), R4
	MOVWU	R0, R5
	MOVD	(R4)(R5<<3), R4
	CMP	$1, R4		// SIG_DFL 0, SIG_IGN 1
	BLS	nobody
	B	(R4)

nobody:	// A fault that nobody handles would come back for ever.
	CMPW	$0, R3
	BLE	done
	CMPW	$SIGPROF, R0
	BEQ	done
	MOVWU	R0, R9
	MOVD	$0, R10
	B	default

record:
	MOVWU	R0, R9
	MOVD	R1, R10
	MOVD	$SYS_getpid, R8
	SVC
	MOVW	·selfPID(SB), R5
	CMPW	R5, R0
	BNE	child
	CMPW	$SIGCHLD, R9
	BEQ	death
	CMPW	$0, R3		// SI_USER
	BEQ	sender
	CMNW	$1, R3		// SI_QUEUE
	BNE	write
sender:
	MOVW	si_pid(R10), R4
	CMPW	R4, R0
	BEQ	done		// we sent it
write:
	MOVD	·queueFD(SB), R0
	MOVD	R10, R1
	MOVD	$recordSize, R2
	MOVD	$SYS_write, R8
	SVC
	CMP	$recordSize, R0
	BEQ	done
	MOVD	$·lostCount(SB), R4
again:
	LDAXR	(R4), R5
	ADD	$1, R5
	STLXR	R5, (R4), R6
	CBNZ	R6, again
done:
	RET

death:
	MOVD	·deathsFD(SB), R0
	MOVD	$one<>(SB), R1
	MOVD	$8, R2
	MOVD	$SYS_write, R8
	SVC
	RET

child:	// We are a child between fork and execve, on the parent's memory.
	CMPW	$SIGTSTP, R9
	BEQ	done
	MOVD	R0, R10		// our PID

default:	// Signal R9 gets its default action, and is sent to R10 unless that is 0.
	MOVD	R9, R0
	MOVD	$defaultAction<>(SB), R1
	MOVD	$0, R2
	MOVD	$8, R3		// size of sigset_t
	MOVD	$SYS_rt_sigaction, R8
	SVC
	CBZ	R10, done
	MOVD	R10, R0
	MOVD	R9, R1
	MOVD	$SYS_kill, R8
	SVC			// taken when the handler returns
	RET
