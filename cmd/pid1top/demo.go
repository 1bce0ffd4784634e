package main

import "github.com/spf13/cobra"

const demoRole = "PID1TOP_DEMO_ROLE"

func demoProgram(string, []string) int { return 0 }

func (a *app) demoCommand() *cobra.Command { return &cobra.Command{Use: "demo", Hidden: true} }
