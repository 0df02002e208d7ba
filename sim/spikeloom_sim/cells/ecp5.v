// Behaviour of the blocks of the ECP5 that Yosys leaves black, in the modes that synth_ecp5 uses,
// after the usage guides of its memories and multipliers (FPGA-TN-02204 and FPGA-TN-02205).
// What silicon leaves open is X here.

// Block RAM: 2,048 bytes of 9 bits with two ports on one clock. A port of up to 4 bits leaves the
// ninth bits alone. One of 36 bits only writes (A) or only reads (B), with the pins of both.
module DP16KD(
  input DIA17, DIA16, DIA15, DIA14, DIA13, DIA12, DIA11, DIA10, DIA9, DIA8, DIA7, DIA6, DIA5,
    DIA4, DIA3, DIA2, DIA1, DIA0,
  input ADA13, ADA12, ADA11, ADA10, ADA9, ADA8, ADA7, ADA6, ADA5, ADA4, ADA3, ADA2, ADA1, ADA0,
  input CLKA, CEA, OCEA, WEA, RSTA, CSA2, CSA1, CSA0,
  output DOA17, DOA16, DOA15, DOA14, DOA13, DOA12, DOA11, DOA10, DOA9, DOA8, DOA7, DOA6, DOA5,
    DOA4, DOA3, DOA2, DOA1, DOA0,
  input DIB17, DIB16, DIB15, DIB14, DIB13, DIB12, DIB11, DIB10, DIB9, DIB8, DIB7, DIB6, DIB5,
    DIB4, DIB3, DIB2, DIB1, DIB0,
  input ADB13, ADB12, ADB11, ADB10, ADB9, ADB8, ADB7, ADB6, ADB5, ADB4, ADB3, ADB2, ADB1, ADB0,
  input CLKB, CEB, OCEB, WEB, RSTB, CSB2, CSB1, CSB0,
  output DOB17, DOB16, DOB15, DOB14, DOB13, DOB12, DOB11, DOB10, DOB9, DOB8, DOB7, DOB6, DOB5,
    DOB4, DOB3, DOB2, DOB1, DOB0
);
  parameter DATA_WIDTH_A = 18;
  parameter DATA_WIDTH_B = 18;
  parameter REGMODE_A = "NOREG";
  parameter REGMODE_B = "NOREG";
  parameter RESETMODE = "SYNC";
  parameter ASYNC_RESET_RELEASE = "SYNC";
  parameter CSDECODE_A = "0b000";
  parameter CSDECODE_B = "0b000";
  parameter WRITEMODE_A = "NORMAL";
  parameter WRITEMODE_B = "NORMAL";
  parameter CLKAMUX = "CLKA";
  parameter CLKBMUX = "CLKB";
  parameter GSR = "ENABLED";
  parameter INITVAL_00 = 320'h0;
  parameter INITVAL_01 = 320'h0;
  parameter INITVAL_02 = 320'h0;
  parameter INITVAL_03 = 320'h0;
  parameter INITVAL_04 = 320'h0;
  parameter INITVAL_05 = 320'h0;
  parameter INITVAL_06 = 320'h0;
  parameter INITVAL_07 = 320'h0;
  parameter INITVAL_08 = 320'h0;
  parameter INITVAL_09 = 320'h0;
  parameter INITVAL_0A = 320'h0;
  parameter INITVAL_0B = 320'h0;
  parameter INITVAL_0C = 320'h0;
  parameter INITVAL_0D = 320'h0;
  parameter INITVAL_0E = 320'h0;
  parameter INITVAL_0F = 320'h0;
  parameter INITVAL_10 = 320'h0;
  parameter INITVAL_11 = 320'h0;
  parameter INITVAL_12 = 320'h0;
  parameter INITVAL_13 = 320'h0;
  parameter INITVAL_14 = 320'h0;
  parameter INITVAL_15 = 320'h0;
  parameter INITVAL_16 = 320'h0;
  parameter INITVAL_17 = 320'h0;
  parameter INITVAL_18 = 320'h0;
  parameter INITVAL_19 = 320'h0;
  parameter INITVAL_1A = 320'h0;
  parameter INITVAL_1B = 320'h0;
  parameter INITVAL_1C = 320'h0;
  parameter INITVAL_1D = 320'h0;
  parameter INITVAL_1E = 320'h0;
  parameter INITVAL_1F = 320'h0;
  parameter INITVAL_20 = 320'h0;
  parameter INITVAL_21 = 320'h0;
  parameter INITVAL_22 = 320'h0;
  parameter INITVAL_23 = 320'h0;
  parameter INITVAL_24 = 320'h0;
  parameter INITVAL_25 = 320'h0;
  parameter INITVAL_26 = 320'h0;
  parameter INITVAL_27 = 320'h0;
  parameter INITVAL_28 = 320'h0;
  parameter INITVAL_29 = 320'h0;
  parameter INITVAL_2A = 320'h0;
  parameter INITVAL_2B = 320'h0;
  parameter INITVAL_2C = 320'h0;
  parameter INITVAL_2D = 320'h0;
  parameter INITVAL_2E = 320'h0;
  parameter INITVAL_2F = 320'h0;
  parameter INITVAL_30 = 320'h0;
  parameter INITVAL_31 = 320'h0;
  parameter INITVAL_32 = 320'h0;
  parameter INITVAL_33 = 320'h0;
  parameter INITVAL_34 = 320'h0;
  parameter INITVAL_35 = 320'h0;
  parameter INITVAL_36 = 320'h0;
  parameter INITVAL_37 = 320'h0;
  parameter INITVAL_38 = 320'h0;
  parameter INITVAL_39 = 320'h0;
  parameter INITVAL_3A = 320'h0;
  parameter INITVAL_3B = 320'h0;
  parameter INITVAL_3C = 320'h0;
  parameter INITVAL_3D = 320'h0;
  parameter INITVAL_3E = 320'h0;
  parameter INITVAL_3F = 320'h0;

  reg [8:0] memory [0:2047];
  reg [35:0] a = 0, b = 0;
  wire [13:0] address_a = {
    ADA13, ADA12, ADA11, ADA10, ADA9, ADA8, ADA7, ADA6, ADA5, ADA4, ADA3, ADA2, ADA1, ADA0
  };
  wire [17:0] pins_a = {
    DIA17, DIA16, DIA15, DIA14, DIA13, DIA12, DIA11, DIA10, DIA9, DIA8, DIA7, DIA6, DIA5, DIA4,
    DIA3, DIA2, DIA1, DIA0
  };
  wire [13:0] address_b = {
    ADB13, ADB12, ADB11, ADB10, ADB9, ADB8, ADB7, ADB6, ADB5, ADB4, ADB3, ADB2, ADB1, ADB0
  };
  wire [17:0] pins_b = {
    DIB17, DIB16, DIB15, DIB14, DIB13, DIB12, DIB11, DIB10, DIB9, DIB8, DIB7, DIB6, DIB5, DIB4,
    DIB3, DIB2, DIB1, DIB0
  };
  wire [17:0] low = DATA_WIDTH_B == 36 ? b[17:0] : a[17:0];
  wire [17:0] high = DATA_WIDTH_B == 36 ? b[35:18] : b[17:0];
  assign {
    DOA17, DOA16, DOA15, DOA14, DOA13, DOA12, DOA11, DOA10, DOA9, DOA8, DOA7, DOA6, DOA5, DOA4,
    DOA3, DOA2, DOA1, DOA0
  } = low;
  assign {
    DOB17, DOB16, DOB15, DOB14, DOB13, DOB12, DOB11, DOB10, DOB9, DOB8, DOB7, DOB6, DOB5, DOB4,
    DOB3, DOB2, DOB1, DOB0
  } = high;

  // 16 words of 18 bits in the low bits of 20 each.
  localparam [20479:0] INITIAL = {
    INITVAL_3F, INITVAL_3E, INITVAL_3D, INITVAL_3C, INITVAL_3B, INITVAL_3A, INITVAL_39,
    INITVAL_38, INITVAL_37, INITVAL_36, INITVAL_35, INITVAL_34, INITVAL_33, INITVAL_32,
    INITVAL_31, INITVAL_30, INITVAL_2F, INITVAL_2E, INITVAL_2D, INITVAL_2C, INITVAL_2B,
    INITVAL_2A, INITVAL_29, INITVAL_28, INITVAL_27, INITVAL_26, INITVAL_25, INITVAL_24,
    INITVAL_23, INITVAL_22, INITVAL_21, INITVAL_20, INITVAL_1F, INITVAL_1E, INITVAL_1D,
    INITVAL_1C, INITVAL_1B, INITVAL_1A, INITVAL_19, INITVAL_18, INITVAL_17, INITVAL_16,
    INITVAL_15, INITVAL_14, INITVAL_13, INITVAL_12, INITVAL_11, INITVAL_10, INITVAL_0F,
    INITVAL_0E, INITVAL_0D, INITVAL_0C, INITVAL_0B, INITVAL_0A, INITVAL_09, INITVAL_08,
    INITVAL_07, INITVAL_06, INITVAL_05, INITVAL_04, INITVAL_03, INITVAL_02, INITVAL_01, INITVAL_00
  };
  integer n;
  initial begin
    for (n = 0; n < 2048; n = n + 1) memory[n] = INITIAL[20 * (n / 2) + 9 * (n % 2) +: 9];
    if (REGMODE_A != "NOREG" || REGMODE_B != "NOREG" || CSDECODE_A != "0b000"
        || CSDECODE_B != "0b000" || CLKAMUX != "CLKA" || CLKBMUX != "CLKB") begin
      $display("DP16KD: a mode that this model lacks");
      $finish;
    end
  end

  // First byte of an access.
  function [10:0] first(input integer width, input [13:0] address);
    first = width == 36 ? {address[13:5], 2'b0}
          : width == 18 ? {address[13:4], 1'b0} : address[13:3];
  endfunction

  // Place of an access of up to 4 bits in its byte.
  function [2:0] place(input integer width, input [13:0] address);
    place = width == 4 ? {address[2], 2'b0}
          : width == 2 ? {address[2:1], 1'b0}
          : width == 1 ? address[2:0] : 3'b0;
  endfunction

  // Bits of the four bytes from the first one on that are written: wide accesses have an enable for
  // each byte, in the low bits of the address.
  function [35:0] chosen(input integer width, input [13:0] address);
    case (width)
      36: chosen = {{9{address[3]}}, {9{address[2]}}, {9{address[1]}}, {9{address[0]}}};
      18: chosen = {18'b0, {9{address[1]}}, {9{address[0]}}};
      default: chosen = ((36'b1 << width) - 36'b1) << place(width, address);
    endcase
  endfunction

  // Of the bits from byte "from" on, those from byte "at" on.
  function [35:0] moved(input [10:0] at, input [10:0] from, input [35:0] bits);
    reg signed [12:0] apart;
    begin
      apart = $signed({2'b0, at}) - $signed({2'b0, from});
      moved = apart > 3 || apart < -3 ? 36'b0
            : apart >= 0 ? bits >> 9 * apart : bits << 9 * -apart;
    end
  endfunction

  function [35:0] word(input [10:0] at);
    word = {memory[at + 11'd3], memory[at + 11'd2], memory[at + 11'd1], memory[at]};
  endfunction

  task store(input [10:0] at, input [35:0] bits, input [35:0] data);
    integer k;
    if (^at === 1'bx)
      for (k = 0; k < 2048; k = k + 1) memory[k] = 9'bx;
    else
      for (k = 0; k < 4; k = k + 1)
        memory[at + k] = (bits[9 * k +: 9] & data[9 * k +: 9])
                       | (~bits[9 * k +: 9] & memory[at + k]);
  endtask

  wire active_a = CEA & ~(CSA2 | CSA1 | CSA0);
  wire active_b = CEB & ~(CSB2 | CSB1 | CSB0);
  wire writes_a = active_a & WEA;
  wire writes_b = active_b & WEB;

  reg [10:0] first_a, first_b;
  reg [2:0] place_a, place_b;
  reg [35:0] bits_a, bits_b, data_a, data_b, before_a, before_b, unknown_a, unknown_b;
  always @(posedge CLKA) begin
    first_a = first(DATA_WIDTH_A, address_a);
    first_b = first(DATA_WIDTH_B, address_b);
    place_a = place(DATA_WIDTH_A, address_a);
    place_b = place(DATA_WIDTH_B, address_b);
    bits_a = {36{writes_a}} & chosen(DATA_WIDTH_A, address_a);
    bits_b = {36{writes_b}} & chosen(DATA_WIDTH_B, address_b);
    data_a = {DATA_WIDTH_A == 36 ? pins_b : 18'b0, pins_a} << place_a;
    data_b = {18'b0, pins_b} << place_b;
    // Bits of the access of one port that the other one writes: what comes of them is unknown.
    unknown_a = 36'bx & moved(first_a, first_b, bits_b);
    unknown_b = 36'bx & moved(first_b, first_a, bits_a);
    before_a = word(first_a) ^ unknown_a;
    before_b = word(first_b) ^ unknown_b;
    if (writes_a !== 1'b0) store(first_a, bits_a, data_a ^ unknown_a);
    if (writes_b !== 1'b0) store(first_b, bits_b, data_b ^ unknown_b);
    if (RSTA) a <= 36'b0;
    else if (active_a === 1'bx) a <= 36'bx;
    else if (active_a)
      if (writes_a === 1'b0 || WRITEMODE_A == "READBEFOREWRITE") a <= before_a >> place_a;
      else if (writes_a === 1'bx) a <= 36'bx;
      // Bytes that are not written are left open.
      else if (WRITEMODE_A == "WRITETHROUGH") a <= (data_a ^ unknown_a ^ (36'bx & ~bits_a)) >> place_a;
    if (RSTB) b <= 36'b0;
    else if (active_b === 1'bx) b <= 36'bx;
    else if (active_b)
      if (writes_b === 1'b0 || WRITEMODE_B == "READBEFOREWRITE") b <= before_b >> place_b;
      else if (writes_b === 1'bx) b <= 36'bx;
      else if (WRITEMODE_B == "WRITETHROUGH") b <= (data_b ^ unknown_b ^ (36'bx & ~bits_b)) >> place_b;
    if (CLKB !== CLKA) begin
      a <= 36'bx;
      b <= 36'bx;
    end
  end
endmodule

// Multiplier without registers: the product of A and B, each signed or not.
module MULT18X18D(
  input A17, A16, A15, A14, A13, A12, A11, A10, A9, A8, A7, A6, A5, A4, A3, A2, A1, A0,
  input B17, B16, B15, B14, B13, B12, B11, B10, B9, B8, B7, B6, B5, B4, B3, B2, B1, B0,
  input C17, C16, C15, C14, C13, C12, C11, C10, C9, C8, C7, C6, C5, C4, C3, C2, C1, C0,
  input SIGNEDA, SIGNEDB, SOURCEA, SOURCEB,
  output P35, P34, P33, P32, P31, P30, P29, P28, P27, P26, P25, P24, P23, P22, P21, P20, P19, P18,
    P17, P16, P15, P14, P13, P12, P11, P10, P9, P8, P7, P6, P5, P4, P3, P2, P1, P0
);
  wire signed [18:0] a = {
    SIGNEDA & A17, A17, A16, A15, A14, A13, A12, A11, A10, A9, A8, A7, A6, A5, A4, A3, A2, A1, A0
  };
  wire signed [18:0] b = {
    SIGNEDB & B17, B17, B16, B15, B14, B13, B12, B11, B10, B9, B8, B7, B6, B5, B4, B3, B2, B1, B0
  };
  wire signed [37:0] product = a * b;
  assign {
    P35, P34, P33, P32, P31, P30, P29, P28, P27, P26, P25, P24, P23, P22, P21, P20, P19, P18, P17,
    P16, P15, P14, P13, P12, P11, P10, P9, P8, P7, P6, P5, P4, P3, P2, P1, P0
  } = product[35:0];
endmodule
