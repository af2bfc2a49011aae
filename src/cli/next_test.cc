#include "cli/next.h"

#include <gtest/gtest.h>

namespace undying::cli {
namespace {

TEST(Next, TheComparisonOfATrainingCommandKeepsWhatBothTake) {
  EXPECT_EQ(
      compare_command("undying train --data csv:d.csv --activation elu --lr 0.1 --out=net.onnx "
                      "--json 'a b.json' --seed 2"),
      "undying compare --data csv:d.csv --lr 0.1 --seed 2 --activations relu,leaky_relu:0.1,elu");
  EXPECT_EQ(compare_command("undying train --data 'csv:my data.csv' --init w.safetensors --quiet"),
            "undying compare --data 'csv:my data.csv' --init w.safetensors --quiet --activations "
            "relu,leaky_relu:0.1,elu");
  EXPECT_EQ(compare_command("undying train -o net.onnx --seed 2 -oother.onnx --lr 1"),
            "undying compare --seed 2 --lr 1 --activations relu,leaky_relu:0.1,elu");
}

TEST(Next, AnotherValueTakesThePlaceOfTheOneGiven) {
  EXPECT_EQ(
      train_command_with("undying train --data spirals --lr=300 --seed 2", "--lr", "0.3,0.03"),
      "undying train --data spirals --seed 2 --lr 0.3,0.03");
  EXPECT_EQ(train_command_with("undying train --lr 300 --quiet", "--normalize", "standard"),
            "undying train --lr 300 --quiet --normalize standard");
}

TEST(Next, TheDiagnosisKeepsWhatTheDataAndTheLossAre) {
  const std::string command =
      "undying train --data 'csv:my data.csv' --model mlp:8 --normalize standard --loss=huber "
      "--out w.safetensors --quiet";
  EXPECT_EQ(diagnose_command(command, "my net.onnx"),
            "undying diagnose 'my net.onnx' --data 'csv:my data.csv' --loss=huber");
  EXPECT_EQ(train_command_with_out(command, "net.onnx"),
            "undying train --data 'csv:my data.csv' --model mlp:8 --normalize standard "
            "--loss=huber --quiet --out net.onnx");
}

// A checkpoint belongs to one run.
TEST(Next, WhatKeepsOneRunIsNoPartOfAnother) {
  const std::string command =
      "undying train --data spirals --checkpoint z.ck --resume --checkpoint-every 5 --seed 2";
  EXPECT_EQ(compare_command(command),
            "undying compare --data spirals --seed 2 --activations relu,leaky_relu:0.1,elu");
  EXPECT_EQ(train_command_with_out(command, "net.onnx"),
            "undying train --data spirals --seed 2 --out net.onnx");
}

TEST(Next, AWordIsQuotedWhereAShellNeedsIt) {
  EXPECT_EQ(shell_word("csv:d.csv"), "csv:d.csv");
  EXPECT_EQ(shell_word("it's here"), "'it'\\''s here'");
  EXPECT_EQ(shell_word(""), "''");
}

}  // namespace
}  // namespace undying::cli
